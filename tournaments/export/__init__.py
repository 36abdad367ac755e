"""Lists as CSV and XLSX files, as filtered, however long they are.

A file is written by a thread of its own into `RESTRIKE_VAR/tmp` while it is sent from there, so that a
million rows take no more memory than a thousand, a slow reader holds no row of the database, and pages
go on meanwhile. `cells` says what a value becomes, `sheet` which columns a list has, `writing` makes the
files, `sending` runs one export, `admin` has the buttons. docs/export.md is for staff.
"""
