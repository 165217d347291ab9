"""Statistics of records: metrics, paired comparisons, verdicts, claims. It reads no files and trains nothing."""
