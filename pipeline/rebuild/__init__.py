"""Making every library again from landing, decisions and documents, and comparing: docs/adr/0018, docs/how-to/rebuild.md.

scratch     a second database on the same server, with nothing in it
inputs      what goes into it as it is: documents, batches, decisions, the register of entities
replay      the same journey over the same landed files, batch by batch in their order
tables      what has been made, and by what it is compared
compare     both databases, part by part; single rows only where a part differs
swap        the parts that differ, in one transaction
whole       all of it, and the report
"""
