"""Lists from CSV and XLSX files: looked at first, then taken in, and never twice.

django-import-export does the work. `files` reads what people upload, `rows` holds what all lists share,
`admin` has the pages, `lists` tournaments and courts. docs/import.md is for staff.
"""
