"""What can be chosen at the top of a dashboard."""

from dashboards.panels import Variable

CONTEXTS = Variable("context", "label_values(mallbots_build_info, context)")
ONE_CONTEXT = Variable("context", "label_values(mallbots_build_info, context)", single=True)
GROUPS = Variable("group", "label_values(mallbots_deliveries_total, group)")
TYPES = Variable("type", "label_values(mallbots_event_critical_seconds_count, type)")
