"""The pages and the kit for tables, curves and pictures.

Sections on a family stand with the family, in experiments/.
"""
