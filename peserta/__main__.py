"""`python -m peserta`: the command line, also for the workers that other processes start."""

from peserta.cli.main import main

if __name__ == "__main__":
    main()
