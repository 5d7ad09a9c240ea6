"""Conversations between fastthrift and Apache's libraries: every carrier, transport and protocol, both ways."""
