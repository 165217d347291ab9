"""What a study writes down: records, journals, the main checkout. Only `mirror/` knows MLflow."""
