"""Answers as the Runs and Rollouts pages (API.md) give them, filled with values."""

from __future__ import annotations

from typing import Any

RUN: dict[str, Any] = {
    "run_id": "run_abc123",
    "scenario_id": "hr",
    "source": "rl-gym",
    "total": 100,
    "completed": 58,
    "failed": 4,
    "in_progress": 38,
    "pending": 20,
    "running": 18,
    "rollout_ids": ["rol_001", "rol_002"],
}

ROLLOUT: dict[str, Any] = {
    "rollout_id": "rol_001",
    "scenario_id": "hr",
    "task_id": "schedule_phone_screen",
    "run_id": "run_abc123",
    "status": "completed",
    "phase": "completed",
    "current_step": 14,
    "max_steps": 30,
    "created_at": "2026-03-20T10:00:00Z",
    "started_at": "2026-03-20T10:00:05.5+00:00",
    "completed_at": "2026-03-20T12:02:25+02:00",
    "result": {"success": True, "message": "All checks passed"},
    "termination_reason": "finished",
    "model_config": {
        "model": "gpt-4o",
        "provider": "openai",
        "temperature": 0.7,
        "max_steps": 30,
        "log_prob": False,
    },
    "status_events": [
        {"status": "pending", "timestamp": "2026-03-20T10:00:00Z"},
        {"status": "running", "timestamp": "2026-03-20T10:00:05.5Z"},
        {"status": "completed", "timestamp": "2026-03-20T10:02:25Z"},
    ],
}

JUDGED: dict[str, Any] = {
    "success": False,
    "message": "2 of 3",
    "output": {"free": ["form"]},
    "score": 0.66,
    "verdict": "FAIL",
    "confidence": 0.9,
    "evidence": ["sent the mail"],
    "failed_criteria": ["booked the room"],
    "dimension_scores": [{"dimension": "care", "score": 0.5, "reason": "so so"}],
    "error": None,
}

ARTIFACTS: dict[str, Any] = {
    "rollout_id": "rol_001",
    "artifacts": {
        "version": "0.1",
        "task_id": "schedule_phone_screen",
        "task": "Schedule a phone screen",
        "model": "gpt-4o",
        "provider": "openai",
        "messages": [{"role": "user", "content": "Schedule …"}],
        "steps_taken": 14,
        "max_steps": 30,
        "final_observation": "done",
        "created_at": "2026-03-20T10:02:25Z",
    },
}

LAUNCH: dict[str, Any] = {
    "scenario_id": "hr",
    "task_ids": ["t1", "t2"],
    "model_config": {"model": "gpt-4o", "provider": "openai", "api_key": "sk-launch-1234567890"},
    "run_name": "nightly",
}
