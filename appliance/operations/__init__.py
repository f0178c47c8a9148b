"""What the operator sees and does; nothing here can sign."""
