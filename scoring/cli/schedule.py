"""The table of the commands below `scoring schedule`."""

from scoring.cli.lazy import Entry, LazyGroup

SECTIONS: dict[str, tuple[Entry, ...]] = {
    "Define": (
        Entry("add", "scoring.cli.schedule_define:add", "Make a schedule: when, which model, which input."),
        Entry("edit", "scoring.cli.schedule_define:edit", "Change what is given of a schedule, and nothing else."),
        Entry("remove", "scoring.cli.schedule_control:remove", "Take a schedule away; its slots and jobs stay."),
        Entry("apply", "scoring.cli.schedule_apply:apply", "Bring the schedules in line with a file, diff first."),
        Entry("export", "scoring.cli.schedule_export:export", "Print lines for crontab, systemd or Kubernetes."),
    ),
    "Look": (
        Entry("list", "scoring.cli.schedule_look:list_", "List schedules: next slot, last job, what is late."),
        Entry("show", "scoring.cli.schedule_look:show", "Show one: definition, newest slots, history."),
        Entry("next", "scoring.cli.schedule_look:next_", "Show when schedules fire next."),
        Entry("history", "scoring.cli.schedule_look:history", "Show what was changed about a schedule, and when."),
    ),
    "Control": (
        Entry("pause", "scoring.cli.schedule_control:pause", "Decide on no further slot until resumed."),
        Entry("resume", "scoring.cli.schedule_control:resume", "Go on; slots that passed meanwhile are skipped."),
        Entry("run", "scoring.cli.schedule_run:run", "Start the job of one slot now."),
        Entry("backfill", "scoring.cli.schedule_run:backfill", "Queue the slots of past days."),
    ),
}

schedule = LazyGroup(
    "schedule",
    sections=SECTIONS,
    help="Batches by cron line: one job for each slot, whatever restarts.",
    short_help="Make and control cron batches.",
)
