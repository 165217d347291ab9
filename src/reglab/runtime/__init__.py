"""How stages run: processes, locks, the warm process, `dvc repro`, git, disks.

It imports core alone and knows no settings.
"""
