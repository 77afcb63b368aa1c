/*
 * model_cancel.c - see model_cancel.h.
 */
#include "model_cancel.h"

/* Being cancelled is for good, and wins over the deadline. */
int model_cancel_status(struct model_cancel *m, int t, chp_time now)
{
	struct model_token *token = &m->token[t];

	if (token->status == 0 && token->deadline && now >= token->deadline)
		return CHP_ETIMEDOUT;
	return token->status;
}

void model_cancel_make(struct model_cancel *m, int t, int parent,
		       chp_time deadline, chp_time now)
{
	struct model_token *token = &m->token[t];

	memset(token, 0, sizeof(*token));
	token->made = true;
	token->parent = parent;
	token->deadline = deadline;
	if (parent < 0)
		return;
	if (m->token[parent].deadline &&
	    (!deadline || m->token[parent].deadline < deadline))
		token->deadline = m->token[parent].deadline;
	token->status = model_cancel_status(m, parent, now) == CHP_ECANCELED
				? CHP_ECANCELED
				: 0;
}

void model_cancel_now(struct model_cancel *m, int t)
{
	m->token[t].status = CHP_ECANCELED;
	for (int i = 0; i < MODEL_TOKENS; i++)
		if (m->token[i].made && m->token[i].parent == t)
			model_cancel_now(m, i);
}
