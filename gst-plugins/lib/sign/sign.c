/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "sign/sign.h"

/* ---- bearer ---- */

typedef struct
{
  MillSigner signer;
  gchar *value;
} Bearer;

static void
bearer_sign (MillSigner *self, const MillSignRequest *request, MillSignAdd add,
    gpointer user_data)
{
  add ("Authorization", ((Bearer *) self)->value, user_data);
}

static void
bearer_finalize (MillSigner *self)
{
  g_free (((Bearer *) self)->value);
  g_free (self);
}

MillSigner *
mill_sign_new_bearer (const gchar *token)
{
  static const MillSignerClass klass = { bearer_sign, bearer_finalize };
  Bearer *self = g_new0 (Bearer, 1);

  self->signer.klass = &klass;
  self->signer.n_refs = 1;
  self->value = g_strconcat ("Bearer ", token, NULL);
  return &self->signer;
}

/* ---- all ---- */

MillSigner *
mill_sign_ref (MillSigner *self)
{
  g_atomic_int_inc (&self->n_refs);
  return self;
}

void
mill_sign_unref (MillSigner *self)
{
  if (g_atomic_int_dec_and_test (&self->n_refs))
    self->klass->finalize (self);
}

void
mill_sign_run (MillSigner *self, const MillSignRequest *request,
    MillSignAdd add, gpointer user_data)
{
  if (self != NULL)
    self->klass->sign (self, request, add, user_data);
}
