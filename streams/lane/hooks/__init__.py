"""Every use of private parts of faust-streaming 0.15.3 and aiokafka 0.14, one module per subject.

Only this folder may use them, and `schemas/kafka/header_names.py`, which every Kafka client needs. `pins.toml` lists
the code behind them with a reason and a digest; a test fails when that code changes.
"""
