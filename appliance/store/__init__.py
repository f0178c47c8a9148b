"""The appliance's one database: every SQL statement is in this package."""
