"""The CSV store: one file per stage and settings, safe to kill, to edit by hand and to share.

Every field is quoted, so a record ends at the first line break after an even number of quotes. A
row is appended with one `write()` to an O_APPEND descriptor while a lock is held. A kill therefore
leaves at most one torn row at the end, which the next writer cuts off and computes again. The last
row with an (index, draw) counts; `compact()` drops the others and restores the benchmark's order,
so that a finished file does not depend on how often its run was interrupted.

`row_table.py` reads such a file; `row_file.py` changes it in spite of other programs;
`row_writer.py` adds the lock. `row_index.py` knows where the rows are: the rows themselves stay on
disk.
"""
