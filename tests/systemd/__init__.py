"""The units as systemd reads them, without a booted machine; tests/machine has the booted one."""
