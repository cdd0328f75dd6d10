"""The CSV store: one file per stage and settings, safe to kill, safe to open, safe to share.

Every field is quoted, so a record ends at the first line break after an even number of quotes. A
row is appended with one `write()` to an O_APPEND descriptor while a lock is held; what a kill can
leave behind is therefore one torn row at the end, which the next writer cuts off and computes
again. The last row of an (index, sample) counts; `settle()` drops the others and restores the
benchmark's order, so that a finished file does not depend on how often its run was interrupted.

`row_table.py` reads such a file, `row_writer.py` writes it, `row_index.py` holds where its rows
are: the rows themselves stay on disk.
"""
