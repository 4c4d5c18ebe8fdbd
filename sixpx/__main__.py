if __name__ == "__main__":
    from sixpx.cli import main

    raise SystemExit(main())
