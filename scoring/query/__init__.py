"""Floor 2: SQL over Arrow tables that are handed in and over result files. The only room that touches duckdb."""
