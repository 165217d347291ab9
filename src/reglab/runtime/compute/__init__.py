"""Trainings on other machines: what a job carries, who does it, and who hands out the jobs and takes the files.

    engine.py    what a file of runtime/engines/ has to offer
    payload.py   a job as bytes: large arrays and the output folder are references
    worker.py    on the worker: checks code and versions, trains in a folder of its own disk, hands the files back
    machine.py   versions and the kind of processor
    of_stage.py  chooses what runs the trainings of a stage: this machine, an engine, or the list of `reglab submit`
    elsewhere.py sends the jobs of a stage to an engine, tries again, and puts the files where they belong
    spool.py     collects the jobs of many stages for `reglab submit`
    ahead.py     does them on this machine while DVC walks from stage to stage, which wait for it by ahead_schedule.py

Nothing here can change an output, so no stage depends on it.
"""
