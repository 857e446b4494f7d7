"""Hand-checked cases of the contract, and the files of policies and companies that it takes."""
