"""What everything stands on: settings, clock, errors, log, database, landing store, actor, events, audit, secrets, keys, migrations."""

import os
import sys

# Arrow reads it once, when it is first used. Its usual allocator hands memory back so eagerly that a load spends a fifth of its
# processor time in page faults; not every build for other systems has this one.
if sys.platform == "linux":
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")
