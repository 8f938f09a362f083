/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-memory.h"

#define ALIGN_MASK 15

typedef struct
{
  GstMemory parent;
  guint8 *data;
  MillRtmpBlock *block; /* NULL: part of another, which holds it */
} Memory;

typedef struct
{
  GstAllocator parent;
} MillRtmpAllocator;

typedef struct
{
  GstAllocatorClass parent;
} MillRtmpAllocatorClass;

GType mill_rtmp_allocator_get_type (void);
G_DEFINE_TYPE (MillRtmpAllocator, mill_rtmp_allocator, GST_TYPE_ALLOCATOR)

static gpointer
map_memory (GstMemory *memory, gsize max_size, GstMapFlags flags)
{
  return ((Memory *) memory)->data;
}

static void
unmap_memory (GstMemory *memory)
{
}

static GstMemory *
share_memory (GstMemory *memory, gssize offset, gssize size)
{
  GstMemory *whole = memory->parent ? memory->parent : memory;
  Memory *part = g_new (Memory, 1);

  part->data = ((Memory *) memory)->data;
  part->block = NULL;
  gst_memory_init (&part->parent,
      GST_MINI_OBJECT_FLAGS (whole) | GST_MINI_OBJECT_FLAG_LOCK_READONLY,
      memory->allocator, whole, memory->maxsize, memory->align,
      memory->offset + offset, size < 0 ? memory->size - offset : (gsize) size);
  return &part->parent;
}

static void
mill_rtmp_allocator_free (GstAllocator *allocator, GstMemory *memory)
{
  MillRtmpBlock *block = ((Memory *) memory)->block;

  if (block)
    mill_rtmp_arena_release (block);
  else
    g_free (memory);
}

/* Only what comes from a publisher is of this kind. */
static GstMemory *
mill_rtmp_allocator_alloc (GstAllocator *allocator, gsize size,
    GstAllocationParams *params)
{
  return NULL;
}

static void
mill_rtmp_allocator_class_init (MillRtmpAllocatorClass *klass)
{
  GstAllocatorClass *allocator_class = GST_ALLOCATOR_CLASS (klass);

  allocator_class->alloc = mill_rtmp_allocator_alloc;
  allocator_class->free = mill_rtmp_allocator_free;
}

static void
mill_rtmp_allocator_init (MillRtmpAllocator *self)
{
  GstAllocator *allocator = GST_ALLOCATOR (self);

  allocator->mem_type = "MillRtmpMemory";
  allocator->mem_map = map_memory;
  allocator->mem_unmap = unmap_memory;
  allocator->mem_share = share_memory;
  GST_OBJECT_FLAG_SET (allocator, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

static gpointer
make_allocator (gpointer unused)
{
  GstObject *allocator = g_object_new (mill_rtmp_allocator_get_type (), NULL);

  /* There for good, like the system's. */
  GST_OBJECT_FLAG_SET (allocator, GST_OBJECT_FLAG_MAY_BE_LEAKED);
  return gst_object_ref_sink (allocator);
}

static GstMemory *
wrap (gpointer at, guint8 *data, gsize max_size, gsize size,
    MillRtmpBlock *block)
{
  static GOnce once = G_ONCE_INIT;
  GstAllocator *allocator = g_once (&once, make_allocator, NULL);
  Memory *memory = at;

  memory->data = data;
  memory->block = block;
  gst_memory_init (&memory->parent, 0, allocator, NULL, max_size, ALIGN_MASK, 0,
      size);
  return &memory->parent;
}

const guint8 *
mill_rtmp_memory_peek (GstBuffer *buffer, gsize *ret_size)
{
  GstMemory *memory = gst_buffer_n_memory (buffer) == 1
      ? gst_buffer_peek_memory (buffer, 0)
      : NULL;

  if (!memory || memory->allocator->mem_map != map_memory)
    return NULL;
  *ret_size = memory->size;
  return ((Memory *) memory)->data + memory->offset;
}

const MillRtmpMemoryKind mill_rtmp_memory_kind = {
  .room = sizeof (Memory),
  .wrap = wrap,
};
