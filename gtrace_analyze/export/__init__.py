"""Recordings in the formats of other tools. One module here is one format.

A format that is one file has a function ``write(engine, out, selection, …)``, which writes it to a
binary stream and says in a few words what it wrote; what is a directory, a database file or goes to
a server has one of another name, documented there. All take rows from DuckDB in batches: memory
does not grow with the recording.
"""
