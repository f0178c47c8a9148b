"""The portal: pages for people, and the public addresses that programs rely on.

Nothing is imported here, so that its worker and its settings can be read without the pages: gunicorn's parent
chooses when it loads those (``gunicorn.py``), and the other parts come from their own modules.
"""
