"""Contracts as people meet them: one contract's page, its files, and the acts on it."""

from webui.portal.contracts import actions, files
from webui.portal.contracts.page import pages

__all__ = ["actions", "files", "pages"]
