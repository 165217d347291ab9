"""Records, journals and the main checkout: what a study writes. Only `mirror/` imports MLflow."""
