"""One training: the learner, the contract of techniques, one seed, all seeds, restoring a network.

No technique by name.
"""
