"""What everything stands on: settings, clock, errors, log, database, landing store, actor, events, audit, secrets, keys, migrations."""
