"""All that the lane takes from the inside of faust-streaming 0.15.3 and aiokafka 0.14, one module for each subject.

Only this folder may use their private parts. `pins.toml` lists the code behind them, with the reason and a digest; a
test fails when one of them changes.
"""
