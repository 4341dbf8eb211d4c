"""`python -m infra`: the command line."""

from infra.cli import main

if __name__ == "__main__":
    main()
