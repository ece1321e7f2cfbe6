"""Entry script of the jobs that build training sets."""

from lake_etl.training.job import main

if __name__ == "__main__":
    main()
