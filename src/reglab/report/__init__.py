"""The report: one page from records, reports/metrics.json and params.yaml."""
