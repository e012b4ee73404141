from .estimator import NASClassifier as NASClassifier
from .estimator import NASRegressor as NASRegressor
from .fitting import fit as fit
from .plan import Plan as Plan
from .plan import plan_for as plan_for
from .plan import with_folds as with_folds
from .training import Fitted as Fitted
from .training import fit_task as fit_task
