"""What remembers jobs and users: one contract (`base`), a member a database. Never announces, never decides."""
