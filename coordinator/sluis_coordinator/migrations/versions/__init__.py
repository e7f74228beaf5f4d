"""Each file brings the schema one version further."""
