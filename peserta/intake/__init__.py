"""Inputs: facts, policies and registry entries from files to records on the inbound topics.

An input reads what publishers have and sends what is well formed. `schemas.admission` checks a fact, both for every
input and for the recorder. The book decides what a fact means.
"""
