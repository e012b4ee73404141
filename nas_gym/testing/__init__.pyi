from .agents import check_agent as check_agent
from .evaluators import check_evaluator as check_evaluator
from .search_spaces import check_search_space as check_search_space
from .tasks import check_task as check_task
