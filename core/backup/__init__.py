"""Backup and restore of an installation: database, landing, and, apart from them, keys.

    FOLDER/<name>/database.dump    the product's schemas in one snapshot (pg_dump, custom format)
    FOLDER/<name>/manifest.json    versions, counts and hashes; written last: without it, no backup
    FOLDER/landing/…               landed files, immutable and shared by all backups of the folder

The published snapshot is not in it: it is made from the database. Neither is Airflow's database, nor settings, nor logs.
"""
