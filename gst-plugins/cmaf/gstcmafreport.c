/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstcmafreport.h"

static GstResourceError
to_resource_error (const GError *error)
{
  if (error->domain == GST_RESOURCE_ERROR)
    return (GstResourceError) error->code;
  if (error->domain == MILL_CMAF_PRESENTATION_ERROR)
    return GST_RESOURCE_ERROR_SETTINGS;
  if (error->domain != MILL_STORE_ERROR)
    return GST_RESOURCE_ERROR_FAILED;
  switch (error->code) {
    case MILL_STORE_ERROR_NAME:
      return GST_RESOURCE_ERROR_SETTINGS;
    case MILL_STORE_ERROR_FULL:
      return GST_RESOURCE_ERROR_NO_SPACE_LEFT;
    case MILL_STORE_ERROR_HELD:
    case MILL_STORE_ERROR_LOST:
    case MILL_STORE_ERROR_BUSY:
      return GST_RESOURCE_ERROR_BUSY;
    case MILL_STORE_ERROR_DENIED:
      return GST_RESOURCE_ERROR_NOT_AUTHORIZED;
    default:
      return GST_RESOURCE_ERROR_WRITE;
  }
}

void
gst_cmaf_report_post (GstElement *element, MillCmafReportKind kind,
    const GError *error)
{
  gboolean is_warning = kind == MILL_CMAF_WARNED;
  gst_element_message_full (element,
      is_warning ? GST_MESSAGE_WARNING : GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      to_resource_error (error), g_strdup (error->message), NULL, __FILE__,
      GST_FUNCTION, __LINE__);
}
