"""Processes, locks, the warm process, `dvc repro`, git, disks: how stages run.

It imports core alone and knows no settings.
"""
