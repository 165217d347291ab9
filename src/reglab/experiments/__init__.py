"""A folder for each kind of experiment: settings, base, methods/, run, evaluate, report.

Shared code belongs in a room below.
"""
