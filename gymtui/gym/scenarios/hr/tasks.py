"""The tasks of the `hr` scenario: what agents are told, and what judges them."""

from gymtui.gym.scenarios.base import Task
from gymtui.gym.scenarios.hr import (
    interview_plans,
    interviews,
    judgement,
    judgement_plans,
    people,
    people_plans,
)

ALL_SERVERS = ("calendar", "email", "hr_records")

TASKS = (
    Task(
        task_id="schedule_phone_screen",
        name="Schedule a phone screen",
        instruction=(
            "Schedule a 30-minute phone screen for Nadia Petrova (Backend Engineer) with our"
            " recruiter Tomás Ibarra on Wednesday 18 March 2026. Find a time that suits both,"
            " send Nadia an email with the time, and move her to the stage phone_screen."
        ),
        category="recruiting",
        difficulty="easy",
        servers=ALL_SERVERS,
        rubric=(
            "# Schedule a phone screen\n\n"
            "- One 30-minute event on Wednesday with Nadia Petrova and Tomás Ibarra\n"
            "- It lies within the availability she wrote about\n"
            "- She got an email that names the time\n"
            "- Her stage is `phone_screen`; nobody else's changed\n"
        ),
        npcs={"Nadia Petrova": "candidate", "Tomás Ibarra": "recruiter"},
        seed=interviews.seed_phone_screen,
        verify=interviews.verify_phone_screen,
        plan=interview_plans.schedule_phone_screen,
    ),
    Task(
        task_id="book_panel_interview",
        name="Book a panel interview",
        instruction=(
            "Book Samuel Adeyemi's 60-minute panel interview (Backend Engineer) on Thursday"
            " 19 March 2026 with Marcus Oyelaran, Lena Fischer and the bar raiser our interview"
            " policy names. It needs a room: Room Kepler or Room Noether. Email the time to"
            " Samuel and to every panellist, and move him to the stage panel."
        ),
        category="recruiting",
        difficulty="hard",
        servers=ALL_SERVERS,
        rubric=(
            "# Book a panel interview\n\n"
            "- One event on Thursday, 60 minutes, within Samuel's availability\n"
            "- On it: Marcus, Lena, and the bar raiser, or the backup when the bar raiser is away\n"
            "- A room\n"
            "- Samuel and every panellist got an email that names the time\n"
            "- His stage is `panel`\n"
        ),
        npcs={
            "Samuel Adeyemi": "candidate",
            "Marcus Oyelaran": "hiring manager",
            "Lena Fischer": "panellist",
        },
        seed=interviews.seed_panel,
        verify=interviews.verify_panel,
        plan=interview_plans.book_panel_interview,
    ),
    Task(
        task_id="cover_sick_interviewer",
        name="Cover for a sick interviewer",
        instruction=(
            "Oliver Brandt is ill on Tuesday 17 March 2026. Move every interview with a"
            " candidate that he had that day to Wednesday 18 March, at a time when everyone on"
            " it is free, and email each candidate the new time. Leave his other meetings alone."
        ),
        category="recruiting",
        difficulty="medium",
        servers=ALL_SERVERS,
        rubric=(
            "# Cover for a sick interviewer\n\n"
            "- Each interview is on Wednesday, at a time free for all its attendees\n"
            "- Each candidate got an email that names the new time\n"
            "- No other meeting moved\n"
        ),
        npcs={"Oliver Brandt": "interviewer", "Ivan Horvat": "candidate"},
        seed=interviews.seed_sick_day,
        verify=interviews.verify_sick_day,
        plan=interview_plans.cover_sick_interviewer,
    ),
    Task(
        task_id="offer_negotiation",
        name="Answer a counter-offer",
        instruction=(
            "Chloé Martin (Product Designer) wrote back about her offer. Answer her by email with"
            " what our offer policy allows, record the revised base and sign-on bonus, and move"
            " her to the stage offer_revised."
        ),
        category="recruiting",
        difficulty="hard",
        servers=("email", "hr_records"),
        rubric=(
            "# Answer a counter-offer\n\n"
            "- Base: what she asks for, at most the band's maximum\n"
            "- Sign-on: what she asks for, at most 10 % of that base\n"
            "- Both recorded, stage `offer_revised`; she got an email with the base\n"
            "- The Compensation Lead was told if, and only if, she asked for more than the band\n"
        ),
        npcs={"Chloé Martin": "candidate", "Grace Okafor": "Compensation Lead"},
        seed=judgement.seed_offer,
        verify=judgement.verify_offer,
        plan=judgement_plans.offer_negotiation,
    ),
    Task(
        task_id="record_title_change",
        name="Record a promotion",
        instruction=(
            "Marcus Oyelaran wrote about a promotion of Jun Watanabe. Record the title, the level"
            " and the salary as he last gave them, and confirm to Marcus by email."
        ),
        category="people",
        difficulty="easy",
        servers=("email", "hr_records"),
        rubric=(
            "# Record a promotion\n\n"
            "- Title Staff Engineer, level 6, and the salary of Marcus's last message\n"
            "- Nobody else's record changed\n"
            "- Marcus got a confirmation\n"
        ),
        npcs={"Marcus Oyelaran": "manager", "Jun Watanabe": "employee"},
        seed=people.seed_title_change,
        verify=people.verify_title_change,
        plan=people_plans.record_title_change,
    ),
    Task(
        task_id="approve_leave_requests",
        name="Decide leave requests",
        instruction=(
            "Decide every pending leave request according to the leave policy, and email everyone"
            " who asked the decision (approved or denied)."
        ),
        category="people",
        difficulty="medium",
        servers=("email", "hr_records"),
        rubric=(
            "# Decide leave requests\n\n"
            "- Annual leave approved when the balance covers it and nobody of the department is"
            " away then, denied otherwise\n"
            "- Parental leave approved\n"
            "- Everyone who asked got an email with the decision\n"
        ),
        npcs={"Rafael Souza": "employee", "Aisha Karim": "employee", "Oliver Brandt": "employee"},
        seed=people.seed_leave,
        verify=people.verify_leave,
        plan=people_plans.approve_leave_requests,
    ),
    Task(
        task_id="onboard_new_hire",
        name="Prepare a new hire's first day",
        instruction=(
            "Yusuf Demir starts on Monday 23 March 2026. Create the onboarding items our policy"
            " asks for, with their due days, book the orientation with his manager on his first"
            " day, and send him a welcome email."
        ),
        category="people",
        difficulty="medium",
        servers=ALL_SERVERS,
        rubric=(
            "# Prepare a new hire's first day\n\n"
            "- Exactly the items the policy asks for, each due on its day\n"
            "- A 45-minute orientation with his manager on 23 March\n"
            "- A welcome email\n"
        ),
        npcs={"Yusuf Demir": "new hire", "Mei Tanaka": "manager"},
        seed=people.seed_new_hire,
        verify=people.verify_new_hire,
        plan=people_plans.onboard_new_hire,
    ),
    Task(
        task_id="flag_biased_adjustment",
        name="Flag biased rating changes",
        instruction=(
            "Go through the proposed rating changes. Flag those whose justification our"
            " calibration policy forbids, leave the others alone, and report the ids of the"
            " flagged reviews to Priya Raman in one email."
        ),
        category="reviews",
        difficulty="hard",
        servers=("email", "hr_records"),
        rubric=(
            "# Flag biased rating changes\n\n"
            "- Every change that rests on a forbidden ground is flagged\n"
            "- No other is, even if it holds a similar word\n"
            "- Priya Raman got one email with the ids\n"
        ),
        npcs={"Priya Raman": "HR Business Partner", "Marcus Oyelaran": "reviewer"},
        seed=judgement.seed_calibration,
        verify=judgement.verify_calibration,
        plan=judgement_plans.flag_biased_adjustment,
    ),
)
