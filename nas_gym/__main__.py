"""``python -m nas_gym`` is ``nas-gym``."""

from nas_gym.cli import main

if __name__ == "__main__":
    main()
