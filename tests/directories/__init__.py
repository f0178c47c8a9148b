"""Reading the organisation's directory: OpenLDAP's slapd and Samba's Active Directory, as Debian has them."""
