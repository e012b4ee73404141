from .base import LOST_AT_MOST as LOST_AT_MOST
from .base import Executor as Executor
from .base import Here as Here
from .base import Lost as Lost
from .base import Outcome as Outcome
from .base import Post as Post
from .registry import EXECUTORS as EXECUTORS
from .registry import make_executor as make_executor
