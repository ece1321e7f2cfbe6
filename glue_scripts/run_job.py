"""Entry script of the Python jobs: reads one dataset, applies the job's steps and writes one table."""

from lake_etl.job import main

if __name__ == "__main__":
    main()
