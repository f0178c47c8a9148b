"""What operators do and ask; backups, restores, drills: real homes, real authorities, real damage."""
