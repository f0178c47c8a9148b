"""Requests for the use of a company seal (用印申请): asked for, approved, used; and the register of uses."""
