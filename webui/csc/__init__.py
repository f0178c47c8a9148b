"""The API of the Cloud Signature Consortium, by which desktop and office software has people sign."""
