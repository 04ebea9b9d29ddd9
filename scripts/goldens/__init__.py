"""The goldens' cases: one table a family."""
