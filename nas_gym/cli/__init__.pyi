from .app import main as main
from .progress import training_bar as training_bar
