"""What a process under foreign control cannot have done: one test for each row of the table in
docs/architecture.md, in which the attacker is that process, with its socket at the authority."""
